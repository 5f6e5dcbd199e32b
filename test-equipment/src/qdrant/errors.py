"""Refusals, worded and numbered as the real server's."""


class ApiError(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


def wrong_input(message):
    return ApiError(400, f"Wrong input: {message}")


def bad_body(message):
    return ApiError(400, f"Format error in JSON body: {message}")


def refused(message, cure):
    return ApiError(400, f"Bad request: {message}. Help: {cure}")


def not_found(message):
    return ApiError(404, f"Not found: {message}")


def from_engine(error):
    """The engine's own words, under the status that the real server gives them."""
    text = str(error)
    if text.startswith("No point with id"):
        return not_found(f"{text} found")
    return wrong_input(text)
