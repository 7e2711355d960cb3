"""Parameters that are harmless alone and together read a model out.

- ``logit_bias`` with ``logprobs``: the bias lifts any token among those whose log-probability is told, and so every
  entry of the model's output vector (Carlini et al. 2024, "Stealing Part of a Production Language Model"; Finlayson et
  al. 2024, "Logits of API-Protected LLMs Leak Proprietary Information").
- ``echo`` with ``logprobs``: the probability of any text of the caller's, which tells what the model was trained on
  (Carlini et al. 2021, "Extracting Training Data from Large Language Models").

So they are refused together, unless a role's policy allows ``logprobs`` by name. What ``logit_bias`` alone gives away,
bit by bit and at the price of a request each (Morris et al. 2023, "Language Model Inversion"), only denying it stops.
"""

from __future__ import annotations

from typing import Final

from engine.errors import BAD_REQUEST, Refusal
from engine.extraction.parameters import ParameterRules, Rule

_ASKS: Final = ParameterRules({"logprobs": Rule("deny")})


def refuse_probing(body: bytes, beside: str) -> None:
    """Raises Refusal (400) if a request that sets `beside` asks for log-probabilities too, in any spelling."""
    try:
        _ASKS.check(body)
    except Refusal as refusal:
        raise Refusal(
            BAD_REQUEST,
            f"'{refusal.param}' is not allowed together with '{beside}'.",
            param=refusal.param,
            control="extraction",
        ) from None
