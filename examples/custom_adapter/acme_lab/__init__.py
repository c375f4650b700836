"""Model servers of the Acme lab, as providers of CodeRouter."""
