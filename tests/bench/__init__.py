"""The performance table: `python -m tests.bench [part …]`. Ratios are taken within one run, medians of several."""
