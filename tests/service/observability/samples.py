"""What Prometheus would read of a service."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(url: str) -> Samples:
    """Return every sample of ``/metrics``, by its name and labels, as Prometheus would parse them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=60).text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Return the sum of the samples of a name that bear some labels; 0 where there are none."""
    wanted = set(labels.items())
    return sum(number for (known, has), number in found.items() if known == name and wanted <= set(has))
