"""A policy that goes on learning while requests and rewards flow: `adcli optimize stream`."""
