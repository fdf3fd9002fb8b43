"""The paper's tables again: what can be run with what is here, beside what the paper published."""
