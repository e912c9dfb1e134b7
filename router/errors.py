"""Every error this product raises on purpose, and what each looks like on the wire.

RouterError
├── ConfigError                   the configuration is wrong: every problem at once; exit code 2
└── ApiError                      what a client sees: status, type, code, param
    ├── InvalidRequestError            400 invalid_request
    │   ├── BodyTooLargeError          413 invalid_request
    │   └── ContextLengthExceededError 400 context_length_exceeded
    ├── UnauthenticatedError           401 unauthenticated
    ├── ForbiddenError                 403 forbidden
    │   └── TierNotAllowedError        403 tier_not_allowed
    ├── ModelNotFoundError             404 model_not_found
    │   └── NotCachedError             404 not_cached
    ├── DecisionNotFoundError          404 decision_not_found
    ├── ResponseNotFoundError          404 response_not_found
    ├── RateLimitedError               429 rate_limited
    ├── BudgetExceededError            429 budget_exceeded
    ├── InternalError                  500 internal
    ├── UpstreamError                  502 upstream_error
    │   ├── UpstreamBrokeOffError      502 upstream_error
    │   └── UpstreamTimeoutError       504 upstream_timeout
    ├── OverloadedError                503 overloaded
    └── ClassifierUnavailableError     503 classifier_unavailable

Foreign exceptions are translated once, at their adapter. Messages name the limit, the observed value
and what to do; they never carry a key or a prompt.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class RouterError(Exception):
    """The root of everything this product raises on purpose."""


class ConfigError(RouterError):
    """The configuration cannot be used.

    Attributes:
        problems: One readable line per problem, all of them.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ApiError(RouterError):
    """An error with a place in the HTTP contract.

    Attributes:
        status: HTTP status.
        code: The contract's string code.
        kind: The OpenAI error ``type``.
        param: The request field to blame, if one is.
        retry_after_s: Seconds for ``retry-after``; only 429 and 503 carry one.
        retryable: Trying again, here or on another model of the tier, may help.
        attempts: Upstream calls made before giving up.
        final: Our own retries and fallbacks are spent, so the client's SDK should not repeat them.
    """

    status: int = 500
    code: ClassVar[str] = "internal"
    kind: ClassVar[str] = "api_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.param = param
        self.retry_after_s = retry_after_s
        self.retryable = retryable
        self.attempts = 0
        self.final = False

    def body(self) -> dict[str, Any]:
        """Return the OpenAI error envelope."""
        return {
            "error": {
                "message": str(self),
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }


class InvalidRequestError(ApiError):
    """The request itself is wrong; repeating it will not help."""

    status = 400
    code = "invalid_request"
    kind = "invalid_request_error"


class BodyTooLargeError(InvalidRequestError):
    """The body is over ``limits.max_body_bytes``."""

    status = 413


class ContextLengthExceededError(InvalidRequestError):
    """The upstream says that the prompt does not fit its context window."""

    code = "context_length_exceeded"


class UnauthenticatedError(ApiError):
    """No key, or one that is not in ``keys``."""

    status = 401
    code = "unauthenticated"
    kind = "authentication_error"


class ForbiddenError(ApiError):
    """The key is known and may not do this."""

    status = 403
    code = "forbidden"
    kind = "permission_error"


class TierNotAllowedError(ForbiddenError):
    """The key may not use the tier it asked for."""

    code = "tier_not_allowed"


class ModelNotFoundError(ApiError):
    """The model (or the path) is not served here."""

    status = 404
    code = "model_not_found"
    kind = "invalid_request_error"


class NotCachedError(ModelNotFoundError):
    """The client asked for a cached answer only, and there is none."""

    code = "not_cached"


class DecisionNotFoundError(ApiError):
    """No decision of that id was taken here for this client."""

    status = 404
    code = "decision_not_found"
    kind = "invalid_request_error"


class ResponseNotFoundError(ApiError):
    """No response of that id is kept for this client."""

    status = 404
    code = "response_not_found"
    kind = "invalid_request_error"


class RateLimitedError(ApiError):
    """Too many requests: ours by the key's limit, or the provider's, passed on."""

    status = 429
    code = "rate_limited"
    kind = "rate_limit_error"


class BudgetExceededError(ApiError):
    """The money or token allowance does not cover this request."""

    status = 429
    kind = "rate_limit_error"
    code = "budget_exceeded"


class InternalError(ApiError):
    """A defect of ours."""


class UpstreamError(ApiError):
    """The upstream refused, broke off or answered with something that is not an answer."""

    status = 502
    code = "upstream_error"


class UpstreamBrokeOffError(UpstreamError):
    """The upstream had accepted the call, and its answer ended before it was whole."""


class OverloadedError(ApiError):
    """Too many requests in flight, or every model of a tier is cooling down."""

    status = 503
    code = "overloaded"


class ClassifierUnavailableError(ApiError):
    """The classifier failed and ``routing.on_classifier_error`` is ``reject``."""

    status = 503
    code = "classifier_unavailable"


class UpstreamTimeoutError(UpstreamError):
    """The upstream gave no answer in time."""

    status = 504
    code = "upstream_timeout"
