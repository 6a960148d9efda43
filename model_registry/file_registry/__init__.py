"""The former name of :mod:`model_registry.file_export`: exported files of earlier releases refer to it."""
