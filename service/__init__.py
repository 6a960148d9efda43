"""The FastAPI app: cards in, probabilities out, following the champion of the registry.

::

    app              makes the parts of a service (state) and starts and stops them
    routes/          the handlers; dependencies gives each the parts that it needs
    prediction/      a card's JSON -> its form -> its features -> probabilities -> JSON
    prediction_log/  answered cards on their way into the race database
    serving/         the champion in its slot, loaded and followed
    security/        API keys, limits of rate, headers
    server/          uvicorn within bounds: connections, bodies, the queue, workers, the end
    observability/   metrics, log lines, traces
    openapi/         the document; ``python -m service.openapi FILE`` writes it
    schemas/         bodies of requests and answers; imports nothing of the service

Imports go from the top to the bottom, never back (``make lint``). From outside come ``racing`` (values, form,
features, the log's outcomes) and ``model_registry`` (versions); nothing but the command imports the service.
``POST /predict`` goes through ``server.admission`` (its turn), ``security`` (its key), ``routes.predict`` and
``prediction.predictor``, which calls the other modules of ``prediction`` in the order above, and ends in
``prediction_log``.
"""
