"""accept: the client's address, and whether the network rules let it in.

The address is the socket's peer, unless the peer is a trusted proxy: then `X-Forwarded-For` or, where the policy says
so, `Forwarded` is read from the right, through trusted proxies only. First of all phases, because it costs least and
needs nothing but the head.
"""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop

from engine.access.forwarded import forwarded_for
from engine.errors import ADDRESS_DENIED, Refusal
from engine.pipeline.context import RequestContext


def accept(ctx: RequestContext) -> None:
    """Settles the client's address in the context. Raises Refusal (403) where the network rules deny it."""
    network = ctx.snapshot.network
    name = ctx.snapshot.forwarded
    forwarded = ctx.headers.get(name)
    if forwarded is not None and network.trusts(ctx.address):
        hops = forwarded_for(forwarded) if name == b"forwarded" else forwarded.split(b",")
        client = network.client(ctx.address, hops)
        if client != ctx.address:
            ctx.address = client
            ctx.address_text = inet_ntop(AF_INET if len(client) == 4 else AF_INET6, client)
    if not network.permits(ctx.address):
        raise Refusal(ADDRESS_DENIED, "Your address is not allowed to use this service.", control="network")
