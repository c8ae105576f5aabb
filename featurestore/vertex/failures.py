"""From the status of a call to the errors of a store."""

import grpc

from featurestore.errors import StoreCorrupt, StoreError, StoreUnavailable

__all__ = ["TRANSLATIONS", "CallFailed", "translated"]


class CallFailed(Exception):
    """A call, or one id of a call, ended with another status than OK."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details


_GRANT = "grant the account of this process the role roles/aiplatform.user on the project {project}"
_LOG_IN = (
    "no valid credentials: run under a service account, point GOOGLE_APPLICATION_CREDENTIALS to a "
    "key, or run `gcloud auth application-default login`; an emulator needs plaintext = true"
)
_NO_METHOD = "this endpoint does not offer the call: check endpoint, or set batch = false"

# One row for every status but OK.
TRANSLATIONS: dict[grpc.StatusCode, tuple[type[StoreError], str]] = {
    grpc.StatusCode.CANCELLED: (StoreUnavailable, "the call was cut off"),
    grpc.StatusCode.UNKNOWN: (StoreUnavailable, "the service failed"),
    grpc.StatusCode.INVALID_ARGUMENT: (StoreError, "the service refuses what is asked"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (StoreUnavailable, "no answer in time"),
    grpc.StatusCode.NOT_FOUND: (StoreError, "there is no such resource"),
    grpc.StatusCode.ALREADY_EXISTS: (StoreError, "the service refuses what is asked"),
    grpc.StatusCode.PERMISSION_DENIED: (StoreUnavailable, f"not allowed: {_GRANT}"),
    grpc.StatusCode.UNAUTHENTICATED: (StoreUnavailable, _LOG_IN),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (StoreUnavailable, "a quota is used up: raise it"),
    grpc.StatusCode.FAILED_PRECONDITION: (StoreUnavailable, "not ready to serve; was it synced?"),
    grpc.StatusCode.ABORTED: (StoreUnavailable, "the service broke the call off"),
    grpc.StatusCode.OUT_OF_RANGE: (StoreError, "the service refuses what is asked"),
    grpc.StatusCode.UNIMPLEMENTED: (StoreError, _NO_METHOD),
    grpc.StatusCode.INTERNAL: (StoreUnavailable, "the service failed"),
    grpc.StatusCode.UNAVAILABLE: (StoreUnavailable, "can't be reached"),
    grpc.StatusCode.DATA_LOSS: (StoreCorrupt, "what it holds can't be read"),
}


def translated(failure: CallFailed, resource: str, project: str) -> StoreError:
    """Say as a store's error what a call's status says."""
    kind, text = TRANSLATIONS[failure.code]
    said = f"{resource}: {text.format(project=project)}"
    return kind(f"{said} ({failure.code.name}: {failure.details})")
