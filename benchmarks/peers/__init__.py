"""Proxies side by side: what one request costs each of them."""
