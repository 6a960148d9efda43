# Four images, `make image` builds all, docker-compose.yml puts them together:
#   service   (the default) serves the champion and holds no training code
#   training  trains and registers; MLflow's server runs from it too
#   frontend  the pages; holds neither models nor races
#   haproxy   HAProxy before the service's replicas
# `make lock-images` pins it by digest; another base with Python 3.11 is given by `--build-arg PYTHON_IMAGE=...`.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# What builds our own package, by hash too: pip would fetch the newest into an environment of its own.
FROM base AS tools
RUN python -m venv /opt/build
COPY constraints/build.txt constraints/
RUN /opt/build/bin/pip install --require-hashes -r constraints/build.txt

# What compiles the loops stays in the stages that build.
FROM tools AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev \
    && { [ -e "$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] \
        || apt-get install -y -qq --no-install-recommends python3-dev; } \
    && rm -rf /var/lib/apt/lists/*

# The packages, by hash, in an environment of their own that the last stages copy whole.
FROM build AS service-build
RUN python -m venv /opt/greyhound
ENV PATH=/opt/greyhound/bin:$PATH
COPY constraints/service.txt constraints/
RUN pip install --require-hashes -r constraints/service.txt
COPY deploy/sbom.py deploy/
COPY pyproject.toml setup.py README.md LICENSE ./
COPY racing racing
COPY model_registry model_registry
COPY service service
COPY greyhound greyhound
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheels . \
    && pip install --no-deps --no-index /opt/wheels/*.whl && pip uninstall -y pip setuptools \
    && python deploy/sbom.py constraints/service.txt > /opt/greyhound/sbom.cdx.json
# A compiler that fails would leave the slow numpy loops in the image: this stops the build instead.
RUN python -I -c 'import racing.ops as o; assert o.IS_COMPILED, "the loops were not compiled"'

FROM build AS training-build
RUN python -m venv /opt/greyhound
ENV PATH=/opt/greyhound/bin:$PATH
COPY constraints/training.txt constraints/nets.txt constraints/
RUN pip install --require-hashes -r constraints/training.txt
# The net's torch, 0.9 GB more, where pip finds its CPU build: give its index or folder as a build argument.
ARG PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
COPY deploy/sbom.py deploy/
RUN if pip install --no-deps --require-hashes -r constraints/nets.txt; \
    then python deploy/sbom.py constraints/nets.txt > /opt/greyhound/nets.cdx.json; \
    else echo "No CPU build of torch: trainings leave out the net."; fi
COPY pyproject.toml setup.py README.md LICENSE ./
COPY racing racing
COPY model_registry model_registry
COPY training training
COPY greyhound greyhound
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheels . \
    && pip install --no-deps --no-index /opt/wheels/*.whl && pip uninstall -y pip setuptools \
    && python deploy/sbom.py constraints/training.txt > /opt/greyhound/sbom.cdx.json
# A compiler that fails would leave the slow numpy loops in the image: this stops the build instead.
RUN python -I -c 'import racing.ops as o; assert o.IS_COMPILED, "the loops were not compiled"'

# Without setup.py, for there is nothing to compile here, and without a compiler.
FROM tools AS frontend-build
RUN python -m venv /opt/greyhound
ENV PATH=/opt/greyhound/bin:$PATH
COPY constraints/frontend.txt constraints/
RUN pip install --no-deps --require-hashes -r constraints/frontend.txt
COPY deploy/sbom.py deploy/
COPY pyproject.toml README.md LICENSE ./
COPY client client
COPY frontend frontend
COPY greyhound greyhound
# Which characters of a name a terminal may be shown; nothing else of races.
COPY racing/__init__.py racing/
COPY racing/domain/__init__.py racing/domain/plain_text.py racing/domain/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheels . \
    && pip install --no-deps --no-index /opt/wheels/*.whl && pip uninstall -y pip setuptools \
    && python deploy/sbom.py constraints/frontend.txt > /opt/greyhound/sbom.cdx.json

# What all images share at run time: a user without rights or a shell, and no installer.
FROM base AS runtime
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin greyhound \
    && install -d -o greyhound -g greyhound -m 750 /data \
    # Python's own installer is of no use here; what runs lies in /opt/greyhound.
    && rm -rf /usr/local/lib/python3.*/site-packages/* /usr/local/lib/python3.*/ensurepip /usr/local/bin/pip* \
        /usr/lib/python3/dist-packages/pip* /usr/bin/pip*
WORKDIR /data

FROM runtime AS haproxy
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY deploy/haproxy/haproxy.cfg /etc/haproxy/haproxy.cfg
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/proxy/health', timeout=2)"]
ENTRYPOINT ["haproxy"]
CMD ["-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]

FROM runtime AS frontend
COPY --from=frontend-build /opt/greyhound /opt/greyhound
ENV PATH=/opt/greyhound/bin:$PATH \
    GREYHOUND_FRONTEND_HOST=0.0.0.0 \
    GREYHOUND_FRONTEND_PORT=5002
USER 10001
EXPOSE 5002
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"GREYHOUND_FRONTEND_PORT\"]}/health', timeout=2)"]
ENTRYPOINT ["greyhound"]
CMD ["frontend"]

# The two that read races and models: one folder to write to, and no records of their use sent anywhere.
FROM runtime AS models
ENV PATH=/opt/greyhound/bin:$PATH \
    OMP_NUM_THREADS=1 \
    ORT_DISABLE_TELEMETRY=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    GREYHOUND_DATABASE=sqlite:////data/greyhound.db \
    GREYHOUND_REGISTRY=sqlite:////data/mlflow.db
VOLUME /data

FROM models AS training
COPY --from=training-build /opt/greyhound /opt/greyhound
# matplotlib and MLflow keep their caches where the user may write.
ENV MPLCONFIGDIR=/tmp/matplotlib
USER 10001
ENTRYPOINT ["greyhound"]
CMD ["train"]

FROM models AS service
COPY --from=service-build /opt/greyhound /opt/greyhound
ENV GREYHOUND_HOST=0.0.0.0 \
    GREYHOUND_PORT=8000
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"GREYHOUND_PORT\"]}/health/live', timeout=2)"]
ENTRYPOINT ["greyhound"]
CMD ["serve"]
