# What the Makefiles of all examples begin with.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

ADCLI ?= adcli
PYTHON ?= python3
OUT ?= out
