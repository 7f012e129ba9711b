"""The description of the API in OpenAPI 3.1, bounds taken from where they are held, and the page that shows it."""

from readers.openapi.document import document

__all__ = ["document"]
