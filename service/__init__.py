"""The HTTP service: it loads the registry's champion, follows its promotions, and answers cards."""
