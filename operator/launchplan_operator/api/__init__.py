"""The resources as types: what a manifest may say, what a status says, and the CRDs made from both."""
