"""What Prometheus would read of a pool's metrics, by its own format's parser."""

from prometheus_client.parser import text_string_to_metric_families


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Each number, by its name and its labels in the order of their names."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    """One number; 0 where it has never been counted."""
    return samples(text).get((name, tuple(sorted(labels.items()))), 0)
