"""Language models behind OpenAI-compatible servers: vLLM, llama.cpp, `transformers serve`, hosted ones.

A model is named by the server's address, with the model's name there behind a "#": "http://localhost:8000/v1#qwen".
Settings follow the address: "http://localhost:8000/v1?marks=neutralise&concurrency=64#qwen"; see `Endpoint`. The key
comes from the environment alone (see `find_key`) and stands in no id, fingerprint, message or log.

What a server can do is asked of it when the model is loaded (`probing`), so that a plan which needs more fails before
anything is asked. Options are scored where the server gives the log-probabilities of a prompt's own tokens, and then
exactly (`scoring`). Most servers give the few likeliest tokens only: they do not offer `score_options`, and evaluations
ask them with the elicitation "sample"; `HttpModel.option_bounds` says between which probabilities an option lies.
"""

from pluralign.models.http.address import Endpoint
from pluralign.models.http.bounds import OptionBounds
from pluralign.models.http.model import HttpModel

__all__ = ["Endpoint", "HttpModel", "OptionBounds"]
