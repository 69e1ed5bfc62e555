"""The web: pages, forms and the JSON calls. HTTP only; rules live with their concepts."""
