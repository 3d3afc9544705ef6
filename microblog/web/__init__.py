"""Between the server and the features: representations, toasts, headers, assets, health, the last resort."""
