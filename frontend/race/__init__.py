"""The race page: cards out of forms, the prediction of a card, and the field as the page shows it."""
