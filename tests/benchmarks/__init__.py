"""How fast pynet is, beside Docker's own drivers on the same engine in the same run.

`python -m tests.benchmarks` measures, shows a table and writes docs/benchmarks.md.
Nothing here asserts a time: machines differ, and a busy one must not fail a
build.  A figure is one small module in `figures`, named in the registry.
"""
