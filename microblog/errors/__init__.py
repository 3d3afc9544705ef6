"""Every way a request can fail, and what the person sees: from the exception to the answer."""
