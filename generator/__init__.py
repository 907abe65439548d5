"""greenroom: the databases of Spotify Backstage, generated before Backstage starts.

``from generator import load, resolve, plan, render`` is the public library; the command line is a shell around it.
"""

__version__ = "0.1.0"
