# make                 set up libtorch, build libctorch and the program bin/clipvqgan
# make help            this list
# make lib             set up libtorch and build libctorch only
# make run             build the program and make a picture for a default prompt; with other arguments:
#                      make run ARGS='generate "a slice of pizza" -o pizza.png --seed 7'
# make test            every test that needs no Python package
# make test-scripts, test-outside, test-library: parts of make test
# make soak            the tests that take minutes: docs/soak.md
# make check           formatting and static analysis of the Go and the C++ code
# make format          format the Go and the C++ code
# make generate        write the operators again from scripts/generate/operators.txt, and the headers' sum
# make asan            the tests under AddressSanitizer and UndefinedBehaviorSanitizer
# make fuzz            each fuzz target for ten minutes
# make race            the Go tests under the race detector and with cgo's checks of pointers
# make test-range      the tests against the oldest and the newest supported libtorch
# make test-python     the tests of the exporters and the training, against PyTorch
# make references      write the reference files again that the tests compare with
# make gpu-bundle      compiled tests for a machine with a GPU and without Go: docs/gpu.md
# make emoji-pictures  small pictures of emoji, which examples/train learns from
# make bench           speed beside plain PyTorch
# make training-folder a folder with all that training on a GPU needs: scripts/training/README.md
# make train           train the embedded models again: some hours
# make install         the libraries with their headers, and the program with its manual pages, into PREFIX (/usr/local)
# make clean           remove what was built
# make distclean       remove what was installed into the checkout too
PYTHON ?= python3
GO ?= go
ARGS ?=
PREFIX ?= /usr/local

library := build/lib/libctorch.so
program := bin/clipvqgan
sources := $(wildcard csrc/*.cc csrc/*.c csrc/*.h csrc/*.map csrc/CMakeLists.txt \
  csrc/operators/*.cc csrc/include/ctorch/*.h csrc/include/ctorch/operators/*.h csrc/tests/*.* \
  csrc/picture/*.* csrc/picture/include/cpicture/*.h cmake/*) CMakeLists.txt
clang_format := .cache/clang-format/clang_format/data/bin/clang-format
venv := .venv/bin/python
comma := ,
export PIP_ROOT_USER_ACTION := ignore

.PHONY: all help lib run test test-scripts test-outside test-library soak check generate asan race fuzz test-range test-python references bench gpu-bundle train training-folder emoji-pictures install \
  clean distclean format FORCE
all: $(library) $(program)

# The comment at the top of this file.
help:
	@sed -n '/^#/!q; s/^# //p' $(firstword $(MAKEFILE_LIST))

lib: $(library)

define need_go
command -v $(GO) >/dev/null || { echo "error: no Go: $(GO) is not on the PATH (see go.mod for the version)" >&2; exit 1; }
endef

# Built, not run by go: so its exit status comes back and signals reach it. Where there is no Go, SETUP names
# one that was built before.
set_up = $(if $(SETUP),"$(SETUP)",CGO_ENABLED=0 $(GO) build -o build/setup ./setup && build/setup) \
  -python "$(PYTHON)" -install-dir .libtorch

# Finds or installs libtorch each time, which takes a moment where nothing has changed; the file is
# then left as it was.
build/libtorch.cmake: FORCE
	@$(if $(SETUP),,$(need_go))
	@$(set_up) -build-dir build

# Configures the build folder $(1) with the options $(2), unless that was done, in this place.
define configure
if ! test -f $(1)/build.ninja || \
   ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$(CURDIR)" $(1)/CMakeCache.txt; then \
  rm -rf $(1)/CMakeCache.txt $(1)/CMakeFiles && mkdir -p $(1) && \
  { cmake -G Ninja -S . -B $(1) $(2) >$(1)/configure.log 2>&1 || \
    { cat $(1)/configure.log >&2; exit 1; }; }; \
fi
endef

# Go's cache knows the files of its own packages alone. The sum, in headers that nothing includes,
# makes it compile and test again when the library has changed.
sums := $(addsuffix /libctorch_sum.h,torch torch/jit torch/cuda imageio/internal/cpicture)
$(library): $(sources) build/libtorch.cmake
	@test -f $@ || echo "Building libctorch (about a minute)"
	@$(call configure,build)
	@cmake --build build
	@touch $@
	@cat $(filter csrc/%,$(sources)) build/libtorch.cmake | cksum | \
	  sed 's|.*|// The sum of libctorch: &|' | tee $(sums) >/dev/null

$(program): $(library) FORCE
	@test -f $@ || echo "Building $@"
	@$(GO) build -o $@ ./cmd/clipvqgan

# The program replaces the shell, so that Ctrl-C reaches it and its exit status comes back.
run: $(program)
	@exec $(program) $(if $(strip $(value ARGS)),$(value ARGS),generate)

# As many packages at a time as there are processors, each on one thread: OpenMP's threads wait by
# spinning, so that two programs with a thread for each processor take several times as long. What is
# about threads sets their number itself.
processors := $(shell nproc)
go_test = OMP_NUM_THREADS=1 $(GO) test -count=1 -p $(processors) -timeout 30m

# Pictures are read once more without the C libraries. Models compute once more with all processors, as
# programs do.
test: $(library)
	@$(MAKE) --no-print-directory --output-sync=target -j$(processors) test-scripts test-outside test-library
	$(go_test) ./...
	CGO_ENABLED=0 $(go_test) ./imageio/...
	$(GO) test -count=1 -p 1 -run 'Agree|SameSeed|Concurrent' ./clip/... ./vqgan/...

test-scripts:
	$(PYTHON) -m unittest discover -s scripts/generate -p test_generate_operators.py
	$(PYTHON) -m unittest discover -s scripts/check -p test_check_abi.py
	$(PYTHON) -m unittest discover -s scripts/check -p test_make.py

# Another module, as docs/use.md says.
test-outside: $(library)
	GO=$(GO) $(PYTHON) -m unittest discover -s scripts/check -p test_outside.py

test-library: $(library)
	cd build && ctest --output-on-failure

# The tests called TestSoak..., and no others; their figures stand in the output.
soak: $(library)
	CLIPVQGAN_SOAK=1 $(go_test) -p 1 -v -run '^TestSoak' -timeout 3h \
	  $$(grep -rl --include='*_test.go' '^func TestSoak' . | xargs -r -n1 dirname | sort -u)

$(clang_format): scripts/check/requirements.txt
	@echo "Installing clang-format into .cache"
	@rm -rf .cache/clang-format && $(PYTHON) -m pip install --quiet --disable-pip-version-check \
	  --no-deps --require-hashes --target .cache/clang-format -r $<
	@touch $@

# The operators are generated from the pinned version's declarations, which lie there only where it
# was installed into the checkout.
pinned := $(shell sed -n 's/^torch==\([0-9.]*\).*/\1/p' setup/internal/pins/libtorch_requirements.txt)
declarations = $(firstword $(wildcard \
  .libtorch/$(pinned)*/torchgen/packaged/ATen/native/native_functions.yaml))

go_files = find . -path './.*' -prune -o -path ./build -prune -o -name '*.go' -print0
cxx_files = find csrc -name '*.cc' -o -name '*.c' -o -name '*.h'

check: $(clang_format) $(library)
	@unformatted=$$($(go_files) | xargs -0 "$$($(GO) env GOROOT)/bin/gofmt" -l); test -z "$$unformatted" || \
	  { echo "not formatted (run make format):"; echo "$$unformatted"; exit 1; } >&2
	$(GO) vet ./...
	$(GO) vet -tags models_from_files ./models
	$(GO) tool staticcheck ./...
	$(GO) tool godoclint ./...
	$(cxx_files) | xargs $(clang_format) --dry-run --Werror
	@$(if $(declarations),$(PYTHON) scripts/generate/generate_operators.py --check \
	  --declarations $(declarations))
	$(PYTHON) scripts/check/check_abi.py

generate: build/libtorch.cmake
	$(PYTHON) scripts/generate/generate_operators.py $(if $(declarations),--declarations $(declarations))
	$(PYTHON) scripts/check/check_abi.py --write

format: $(clang_format)
	$(go_files) | xargs -0 "$$($(GO) env GOROOT)/bin/gofmt" -w
	$(cxx_files) | xargs $(clang_format) -i

# The sanitizers watch libctorch and what Go hands to it; libtorch itself is as it comes. At the end of
# each program they look for native memory that nobody refers to any more. The program's tests start a
# program of their own, which is built without.
asan: $(library)
	@$(call configure,build/asan,-DCTORCH_SANITIZE=address$(comma)undefined)
	@cmake --build build/asan
	cd build/asan && ctest --output-on-failure
	LD_LIBRARY_PATH="$(CURDIR)/build/asan/lib" \
	  LSAN_OPTIONS="suppressions=$(CURDIR)/csrc/tests/leaks.txt" \
	  ASAN_OPTIONS=allocator_may_return_null=1:quarantine_size_mb=1 \
	  $(go_test) -short -asan $$($(GO) list ./... | grep -v /cmd/)

# Each fuzz target for FUZZ_TIME. What they found lies in testdata/fuzz as a seed.
FUZZ_TIME ?= 10m
fuzz: $(library)
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\)(.*/\1/p' "$$file"); do \
	    $(GO) test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ_TIME) -fuzzminimizetime 10x || exit 1; \
	  done; \
	done

race: $(library)
	GOEXPERIMENT=cgocheck2 $(go_test) -short -race ./...

# The C ABI is one for every version, so the same Go programs run with either library.
test-range: $(library)
	@for pins in oldest newest; do \
	  $(set_up) -pins $$pins -build-dir build/$$pins || exit 1; \
	  file="$(CURDIR)/build/$$pins/libtorch.cmake"; \
	  $(call configure,build/$$pins,-DCTORCH_LIBTORCH_FILE="$$file"); \
	  cmake --build build/$$pins || exit 1; \
	  (cd build/$$pins && ctest --output-on-failure) || exit 1; \
	  LD_LIBRARY_PATH="$(CURDIR)/build/$$pins/lib" $(go_test) ./... || exit 1; \
	done

# What the Python scripts need: PyTorch and the packages that define the models.
.venv/installed: scripts/requirements.txt
	@echo "Installing the Python packages of $< into .venv (PyTorch and more: some minutes)"
	@$(PYTHON) -m venv .venv
	@$(venv) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

references: .venv/installed
	$(venv) scripts/reference/reference_operators.py
	$(venv) scripts/reference/reference_shims.py
	$(venv) scripts/reference/reference_pixels.py imageio/testdata
	$(venv) scripts/reference/reference_formats.py imageio/testdata/formats
	$(venv) scripts/reference/reference_tokens.py tokenizer/testdata/tokens.jsonl.gz
	$(venv) scripts/reference/reference_tokenizers.py tokenizer/testdata/tokenizers
	$(venv) scripts/generate/tokenizer_tables.py tokenizer/huggingface_tables.go
	$(venv) scripts/reference/reference_optimizers.py
	$(venv) scripts/reference/reference_autocast.py
	$(venv) scripts/reference/reference_autograd.py
	$(venv) scripts/reference/reference_modules.py
	$(venv) scripts/reference/reference_io.py
	$(venv) scripts/reference/reference_print.py
	$(venv) scripts/reference/reference_indexing.py
	$(venv) scripts/reference/reference_vision.py
	$(venv) scripts/reference/reference_nn.py
	$(venv) scripts/reference/reference_models.py
	$(venv) scripts/reference/reference_vqgan_checkpoints.py
	$(venv) scripts/reference/reference_clip_checkpoints.py
	$(venv) scripts/reference/reference_clip_training.py
	$(venv) scripts/reference/reference_clip_evaluation.py

bench: $(library) .venv/installed
	$(venv) scripts/benchmark/benchmark_models.py
	$(venv) scripts/benchmark/benchmark_overhead.py
	$(venv) scripts/benchmark/benchmark_pictures.py

gpu-bundle: $(library) .venv/installed
	GO=$(GO) $(PYTHON) scripts/gpu/make_bundle.py

# The embedded models, from the emoji sets to the archives and their figures: some hours without a
# GPU. `make references` comes after it.
train: $(program) .venv/installed
	$(venv) scripts/training/emoji/render.py
	$(venv) scripts/training/train_clip.py
	$(program) import .cache/clip.checkpoint.pt -o models/clip.pt --storage float16
	$(venv) scripts/training/evaluate_clip.py --labels models/labels.txt
	$(venv) scripts/training/train_vqgan.py
	$(program) import .cache/vqgan_checkpoint.pt -o models/vqgan.pt --storage float16
	$(venv) scripts/training/evaluate_vqgan.py

training-folder: .venv/installed
	$(venv) scripts/training/pack/make_pack.py $(ARGS)

emoji-pictures: .venv/installed
	$(venv) scripts/training/emoji/pictures.py

test-python: $(library) .venv/installed
	@for folder in $(sort $(dir $(wildcard scripts/test_*.py scripts/*/test_*.py))); do \
	  $(venv) -m unittest discover -s $$folder || exit 1; \
	done

# The program finds the installed library beside its own place.
prefix = $(DESTDIR)$(PREFIX)
install: $(program)
	cmake --install build --prefix "$(PREFIX)"
	@mkdir -p "$(prefix)/bin" "$(prefix)/share/bash-completion/completions" \
	  "$(prefix)/share/zsh/site-functions" "$(prefix)/share/fish/vendor_completions.d"
	$(GO) build -o "$(prefix)/bin/clipvqgan" -ldflags "-extldflags '-Wl,-rpath,\$$ORIGIN/../$$(sed -n \
	  's/^CMAKE_INSTALL_LIBDIR:PATH=//p' build/CMakeCache.txt)'" ./cmd/clipvqgan
	$(program) man "$(prefix)/share/man/man1"
	@$(program) completion bash >"$(prefix)/share/bash-completion/completions/clipvqgan"
	@$(program) completion zsh >"$(prefix)/share/zsh/site-functions/_clipvqgan"
	@$(program) completion fish >"$(prefix)/share/fish/vendor_completions.d/clipvqgan.fish"

clean:
	rm -rf build bin $(sums)

distclean: clean
	rm -rf .libtorch .venv .cache
