// A configuration file of any content: no crash, every error has words and a place, and
// what is accepted can be dumped and read again.

#include <cassert>
#include <cstdint>
#include <string>

#include "../unit/conf_fake.h"
#include "neurond/conf/config.h"
#include "neurond/conf/dump.h"

using namespace neuron::conf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const LoadResult first =
        load_text(std::string(reinterpret_cast<const char*>(data), size));
    for (const Diagnostic& diagnostic : first.diagnostics.all()) {
        assert(!diagnostic.message.empty());
    }
    assert((first.config == nullptr) == first.diagnostics.has_errors());
    if (first.config != nullptr) {
        const LoadResult second = load_text(dump(*first.config));
        assert(second.config != nullptr);
        assert(dump(*second.config) == dump(*first.config));
    }
    return 0;
}
