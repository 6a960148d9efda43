"""What turns a card into an answer.

:mod:`~service.prediction.card_reader` reads a body, :mod:`~service.prediction.form_store` adds stored form,
:mod:`~service.prediction.card_prediction` computes probabilities, :mod:`~service.prediction.answer` writes
them; :class:`~service.prediction.predictor.Predictor` does all four in turn.
"""
