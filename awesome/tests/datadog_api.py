"""What Datadog's API takes, as far as its client knows."""

from __future__ import annotations

from typing import Any
from unittest import mock

from datadog_api_client import Configuration
from datadog_api_client.exceptions import ApiAttributeError, ApiTypeError, ApiValueError
from datadog_api_client.model_utils import OpenApiModel, validate_and_convert_types


def is_valid(model: type[OpenApiModel], body: dict[str, Any]) -> bool:
    """Return whether the client knows each attribute and value of what is sent."""
    # Else it takes any attribute.
    with mock.patch.object(OpenApiModel, 'additional_properties_type', None):
        try:
            converted = validate_and_convert_types(body, (model,), [], True, True, configuration=Configuration())
        except (ApiAttributeError, ApiTypeError, ApiValueError):
            return False
    return not converted._unparsed
