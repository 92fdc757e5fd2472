"""The same work with other tools, each as its documentation writes it. Run as scripts by the benches."""
