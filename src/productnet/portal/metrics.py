"""What the portal counts beside its requests: answers, pages of candidates, fits, the database."""

from productnet.web.metrics import SLOW, RequestMetrics


class Metrics(RequestMetrics):
    """The counters of one portal.

    Attributes:
        decisions: Answers sent, by role and what became of each: recorded, known or refused.
        acknowledgement_seconds: From a request with answers to its acknowledgement.
        candidates_seconds: How long a page of candidates took, by source.
        fits: Local models fitted.
        fit_seconds: How long each took.
        writer_wait_seconds: How long a writer waited for its turn at the database.
    """

    def __init__(self) -> None:
        super().__init__()
        self.decisions = self.counter(
            "decisions", "Answers sent, and what became of them", "role", "result"
        )
        self.acknowledgement_seconds = self.histogram(
            "acknowledgement_seconds", "From a request with answers to its acknowledgement"
        )
        self.candidates_seconds = self.histogram(
            "candidates_seconds", "How long a page of candidates took", "source"
        )
        self.fits = self.counter("local_model_fits", "Local models fitted")
        self.fit_seconds = self.histogram(
            "local_model_fit_seconds", "How long fitting a local model took", buckets=SLOW
        )
        self.writer_wait_seconds = self.histogram(
            "writer_wait_seconds", "How long a writer waited for its turn at the database"
        )
