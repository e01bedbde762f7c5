"""(S writes this.)"""
