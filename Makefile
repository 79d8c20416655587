# Everything is set up inside the clone, in .venv: git, make and a Python 3 with venv are all that it takes.
# Rules name .venv relative to the clone, so that no rule can reach outside of it.
DDEV := .venv/ddev/bin/ddev --here

# Shebangs, PATH, ddev's patterns and hatch's URLs cannot carry these characters.
UNUSABLE := $$ ' " ` \ : { } [ ] * ? % \#
UNUSABLE := $(foreach character,$(UNUSABLE),$(findstring $(character),$(CURDIR)))
UNUSABLE += $(if $(word 2,x$(CURDIR)x),white space)
ifneq (,$(strip $(UNUSABLE)))
$(error Python's tools cannot work in a path with $(strip $(UNUSABLE)): clone to another one)
endif
ifneq (Makefile,$(lastword $(MAKEFILE_LIST)))
$(error Run make in the clone itself, or with -C)
endif
ifneq (,$(and $(filter demo,$(MAKECMDGOALS)),$(URL)))
ifeq (,$(SEARCH))
$(error SEARCH is missing: make demo URL=... SEARCH='what the page must contain')
endif
endif

# ddev and hatch change directories, so what they are told is absolute.
export UV_CACHE_DIR := $(CURDIR)/.venv/cache
export XDG_CACHE_HOME := $(CURDIR)/.venv/cache
export XDG_DATA_HOME := $(CURDIR)/.venv/data
export DDEV_CONFIG := $(CURDIR)/.venv/ddev.toml
export HATCH_CONFIG := $(CURDIR)/.venv/hatch.toml
# pyenv comes last, so that a Python 3.13 on the PATH goes before one of pyenv.
export PATH := $(CURDIR)/.venv/uv/bin:$(PATH):$(subst $(eval ) ,:,$(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.13*/bin))
# A company's own authority is in the system's certificate store, not in uv's.
export UV_SYSTEM_CERTS := true
# ddev runs pytest with -vv, a line for each of the tests.
export PYTEST_ADDOPTS ?= -qq -n 2 --dist worksteal
# As typed: a $ is no variable.
override URL := $(value URL)
override SEARCH := $(value SEARCH)
export URL SEARCH

# Run $(1), which takes long: a dot every two seconds says that it goes on. If it fails, run $(2), or show its output.
with_dots = \
	while sleep 2 >/dev/null && kill -0 $$$$; do printf .; done 2>/dev/null & dots=$$!; \
	$(1) >.venv/log 2>&1; status=$$?; kill $$dots; echo; \
	test $$status = 0 || { $(or $(2),cat .venv/log) >&2; exit 1; }

NO_PYTHON := echo 'Python 3.13 is neither here nor can it be downloaded (.venv/log says why).' \
	'Install it so that python3.13 is on the PATH, and run make again.'

# Make the virtual environment of a target, for $(1), with $(2) of packages to download: $(3).
define set_up
	@printf '%s ' 'Setting up Python 3.13 (30 MB to download if it is not installed) ...'
	@$(call with_dots,.venv/uv/bin/uv venv --clear --python 3.13 $(@D),$(NO_PYTHON))
	@printf '%s ' 'Setting up $(1) ($(2) to download) ...'
	@$(call with_dots,.venv/uv/bin/uv pip install --python $(@D) $(3))
	@touch $@
endef

.PHONY: help demo test fmt sync bench wheel clean git

help:  ## show this list
	@awk -F ': .*## ' '/^[a-z]+: .*## / {printf "make %-6s %s\n", $$1, $$2}' Makefile

demo: .venv/demo/ready  ## check the built-in page, or yours: make demo [URL=...] [SEARCH='...']
	@.venv/demo/bin/python -m datadog_checks.awesome -- "$$URL" $${SEARCH:+"$$SEARCH"} || test $$? -le 2
	@test "$$URL" || printf '\n%s\n' "Try your own page:  make demo URL=http://localhost:8000/ SEARCH='using nginx'"

test: git .venv/ddev/ready  ## run all tests and check style and types, or run some tests: make test ARGS='-k encoding'
	@$(DDEV) test $(if $(ARGS),awesome -- $(ARGS),--cov awesome)
	@$(if $(ARGS),,$(DDEV) test --lint awesome)

fmt: git .venv/ddev/ready  ## format the code
	@$(DDEV) test --fmt awesome

sync: .venv/ddev/ready  ## generate the example configuration and the models from spec.yaml
	@$(DDEV) validate config --sync awesome
	@$(DDEV) validate models --sync awesome

bench: .venv/bench/ready  ## compare what a run costs with what other implementations and tools cost
	@cd awesome && ../.venv/bench/bin/python -m tests.compare $(ARGS)

wheel: .venv/ddev/ready  ## build the wheel into awesome/dist, twice, to see that its bytes are the same
	@rm -rf awesome/dist
	@$(DDEV) release build awesome
	@mv awesome/dist/*.whl .venv/first.whl
	@$(DDEV) release build awesome
	@cmp .venv/first.whl awesome/dist/*.whl
	@cd awesome/dist && sha256sum *.whl

clean:  ## remove all that make has set up and built
	rm -rf .venv awesome/dist

git:
	@git rev-parse --git-dir >/dev/null || { echo 'ddev needs git and a clone of the repository' >&2; exit 1; }

.venv/uv/bin/uv:
	@mkdir -p .venv
	@printf '%s ' 'The first run takes a minute. Setting up uv (18 MB to download) ...'
	@python3 -m venv .venv/uv >/dev/null 2>&1 || PYENV_VERSION=system python3 -m venv .venv/uv
	@$(call with_dots,.venv/uv/bin/pip install --no-cache-dir --disable-pip-version-check uv)

.venv/demo/ready: .venv/uv/bin/uv awesome/pyproject.toml
	$(call set_up,the check,25 MB,--editable ./awesome[deps] 'datadog-checks-base[deps]')

.venv/bench/ready: .venv/uv/bin/uv awesome/pyproject.toml
	$(call set_up,the benchmark,25 MB,--editable ./awesome[deps] 'datadog-checks-base[deps]' trustme)

.venv/ddev/ready: .venv/uv/bin/uv
	$(call set_up,ddev,110 MB,'ddev==20.*')
	@touch .venv/ddev.toml .venv/hatch.toml
