"""The web interface: pages, forms and the JSON API. It handles HTTP only; rules live with their concepts."""
