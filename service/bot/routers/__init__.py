"""One router a dialog; the order in which `dispatcher.py` includes them is behaviour."""
