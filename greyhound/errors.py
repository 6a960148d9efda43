"""What the command says and which exit code it gives for each error that a user can meet."""

UNEXPECTED, REFUSED, ABSENT, GATES_NOT_PASSED, ATTENTION = 1, 3, 4, 5, 6

# Errors are named, not imported: the service's image holds no training, and `--help` wants no imports.
EXIT_CODES = {
    "frontend.errors:PortTaken": ABSENT,
    "greyhound.backup.errors:BackupBroken": REFUSED,
    "greyhound.backup.errors:BackupRefused": REFUSED,
    "greyhound.errors:ExtraMissing": ABSENT,
    "greyhound.errors:RetrainingUnderWay": REFUSED,
    "model_registry.errors:ArtifactBroken": REFUSED,
    "model_registry.errors:ForeignModel": REFUSED,
    "model_registry.errors:GatesNotPassed": GATES_NOT_PASSED,
    "model_registry.errors:NoChampion": ABSENT,
    "model_registry.errors:NoSuchVersion": ABSENT,
    "model_registry.errors:ParityError": UNEXPECTED,
    "model_registry.errors:NotScored": REFUSED,
    "model_registry.errors:PromotionRefused": REFUSED,
    "model_registry.errors:RegistryUnavailable": ABSENT,
    "model_registry.errors:SourceRefused": REFUSED,
    "model_registry.file_export.export:ExportRefused": REFUSED,
    "racing.domain.errors:CardRefused": REFUSED,
    "racing.domain.errors:DatabaseUnavailable": ABSENT,
    "racing.domain.errors:ExperimentRefused": REFUSED,
    "racing.domain.errors:FileRefused": REFUSED,
    "racing.domain.errors:NoSuchDog": ABSENT,
    "racing.domain.errors:NoSuchExperiment": ABSENT,
    "racing.domain.errors:NoSuchPrediction": ABSENT,
    "racing.domain.errors:NoSuchSeal": ABSENT,
    "racing.domain.errors:NotEnoughHistory": ABSENT,
    "racing.domain.errors:PricesRefused": REFUSED,
    "racing.domain.errors:RatingsStale": ABSENT,
    "service.errors:KeyNotMade": REFUSED,
    "service.errors:NoSuchKey": ABSENT,
    "service.errors:ModelTooSlow": REFUSED,
    "service.errors:PortTaken": ABSENT,
    "sqlalchemy.exc:OperationalError": ABSENT,
    "training.errors:NoWorkers": ABSENT,
    "training.errors:SearchFailed": UNEXPECTED,
    "training.errors:FamilyUnavailable": ABSENT,
    "training.errors:SearchNotResumable": REFUSED,
    "training.errors:SearchUnderWay": REFUSED,
    "training.errors:TrainingSetTooSmall": ABSENT,
    "training.errors:WorkersDiffer": REFUSED,
}

# Which extra brings a module that may be missing; our own packages too, as images leave some out.
EXTRA_OF_MODULE = {
    "greyhound_client": "client",
    "httpx": "client",
    "flask": "frontend",
    "frontend": "frontend",
    "waitress": "frontend",
    "apprise": "service",
    "fastapi": "service",
    "mlflow": "service",
    "onnxruntime": "service",
    "pydantic_settings": "service",
    "requests": "service",
    "service": "service",
    "standardwebhooks": "service",
    "uvicorn": "service",
    "catboost": "training",
    "imblearn": "training",
    "joblib": "training",
    "matplotlib": "training",
    "onnx": "training",
    "optuna": "training",
    "pandas": "training",
    "pyarrow": "training",
    "scipy": "training",
    "sklearn": "training",
    "training": "training",
    "vl_convert": "training",
    "xgboost": "training",
    "psycopg": "postgresql",
    "dask": "scale",
    "distributed": "scale",
}


class ExtraMissing(Exception):
    """A command needs packages that an extra brings and that are not installed."""

    @classmethod
    def of(cls, error: ModuleNotFoundError, command: str) -> Exception:
        """Return what to raise where ``command`` misses a module: the error itself if no extra has it."""
        extra = EXTRA_OF_MODULE.get((error.name or "").partition(".")[0])
        if extra is None:
            return error
        return cls(f"{command!r} needs the extra \"{extra}\": pip install 'greyhound[{extra}]'")


class RetrainingUnderWay(Exception):
    """Another process retrains; one at a time."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error: that of the nearest class of its ancestry in :data:`EXIT_CODES`."""
    names = (f"{cls.__module__}:{cls.__qualname__}" for cls in type(error).__mro__)
    return next((EXIT_CODES[name] for name in names if name in EXIT_CODES), UNEXPECTED)


def one_line(error: BaseException) -> str:
    """Return an error's message on one line; an unexpected error's with its class, to be reported."""
    cause = getattr(error, "orig", None)  # by the database's driver, short
    text = " ".join((str(error) if cause is None else f"the database does not answer: {cause}").split())
    if exit_code(error) != UNEXPECTED:
        return text or type(error).__name__
    return f"{type(error).__name__}: {text} (GREYHOUND_DEBUG=1 shows where)"
