"""What is wrong, or not what it seems, in an app-config and the backend beside it.

``lint(request)`` gives a :class:`~generator.lint.run.Report`. Each rule is data
(:class:`~generator.lint.model.Rule`); the ones greenroom's other stages report already keep their code and are listed in
:mod:`generator.lint.rules.adopted`.
"""

from generator.lint.run import Report, lint

__all__ = ["Report", "lint"]
