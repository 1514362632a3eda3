// Runs one fuzz target over files named on the command line: what a search once found
// stays found, without libFuzzer. Each input lies in a heap block of its exact size.

#include <cstdint>
#include <cstdio>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

bool replay(const char* path) {
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr) {
        std::perror(path);
        return false;
    }
    std::fseek(file, 0, SEEK_END);
    const auto size = static_cast<size_t>(std::ftell(file));
    std::rewind(file);
    const auto bytes = std::make_unique<uint8_t[]>(size);
    const bool whole = std::fread(bytes.get(), 1, size, file) == size;
    std::fclose(file);
    if (!whole) {
        std::fprintf(stderr, "read %s: short\n", path);
        return false;
    }
    LLVMFuzzerTestOneInput(bytes.get(), size);
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (!replay(argv[i])) {
            return 1;
        }
    }
    std::printf("%d inputs replayed\n", argc - 1);
    return 0;
}
