# Everything is set up inside the clone, in .venv: git, make and a Python 3 with venv are all that it takes.
VENV := $(CURDIR)/.venv
UV := $(VENV)/uv/bin/uv
DDEV := $(VENV)/ddev/bin/ddev --here

export UV_CACHE_DIR := $(VENV)/cache
export XDG_DATA_HOME := $(VENV)/data
export DDEV_CONFIG := $(VENV)/ddev.toml
export HATCH_CONFIG := $(VENV)/hatch.toml
# pyenv comes last, so that a Python 3.13 on the PATH goes before one of pyenv.
export PATH := $(VENV)/uv/bin:$(PATH):$(subst $(eval ) ,:,$(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.13*/bin))

.PHONY: demo test bench wheel clean

demo: $(VENV)/demo/ready  ## run the check on a page: make demo [URL=... SEARCH=...]
	@$(VENV)/demo/bin/python -m datadog_checks.awesome $${URL:+"$$URL"} $${SEARCH:+"$$SEARCH"} || test $$? -le 2

test: $(VENV)/ddev/ready  ## run the tests, then check style and types
	$(DDEV) test --cov awesome
	$(DDEV) test --lint awesome

bench: $(VENV)/bench/ready  ## compare what a run costs with what other implementations and tools cost
	@cd awesome && $(VENV)/bench/bin/python -m tests.compare $(BENCH)

wheel: $(VENV)/ddev/ready  ## build the wheel into awesome/dist, twice, to see that its bytes are the same
	@rm -rf awesome/dist
	@$(DDEV) release build awesome
	@mv awesome/dist/*.whl $(VENV)/first.whl
	@$(DDEV) release build awesome
	@cmp $(VENV)/first.whl awesome/dist/*.whl
	@cd awesome/dist && sha256sum *.whl

clean:  ## remove all that make has set up
	rm -rf $(VENV)

$(UV):
	@echo 'Setting up uv in .venv ...'
	@python3 -m venv $(VENV)/uv || PYENV_VERSION=system python3 -m venv $(VENV)/uv
	@$(VENV)/uv/bin/pip install --quiet --disable-pip-version-check uv

$(VENV)/demo/ready: $(UV) awesome/pyproject.toml
	@echo 'Setting up Python 3.13 and the check in .venv ...'
	@$(UV) venv --quiet --clear --python 3.13 $(VENV)/demo
	@$(UV) pip install --quiet --python $(VENV)/demo --editable ./awesome[deps] 'datadog-checks-base[deps]'
	@touch $@

$(VENV)/bench/ready: $(UV) awesome/pyproject.toml
	@echo 'Setting up Python 3.13, the check and what it is compared with in .venv ...'
	@$(UV) venv --quiet --clear --python 3.13 $(VENV)/bench
	@$(UV) pip install --quiet --python $(VENV)/bench --editable ./awesome[deps] 'datadog-checks-base[deps]' trustme
	@touch $@

$(VENV)/ddev/ready: $(UV)
	@echo 'Setting up Python 3.13 and ddev in .venv ...'
	@$(UV) venv --quiet --clear --python 3.13 $(VENV)/ddev
	@$(UV) pip install --quiet --python $(VENV)/ddev 'ddev>=20,<21'
	@touch $(DDEV_CONFIG) $(HATCH_CONFIG) $@
