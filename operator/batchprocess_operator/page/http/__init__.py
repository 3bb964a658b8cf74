"""HTTP for browsers, within bounds: questions, answers, and connections that cost little."""
