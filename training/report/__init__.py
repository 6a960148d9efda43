"""The report of a training: one HTML file with every figure and chart, which needs no network.

``build`` computes the :class:`~training.report.content.ReportContent` from a training's result, ``page``
renders it with the Jinja2 templates in ``templates/``, ``charts`` fills the shared Vega-Lite charts.
"""
