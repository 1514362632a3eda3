#ifndef NEUROND_TESTS_UNIT_MCP_SCRATCH_H
#define NEUROND_TESTS_UNIT_MCP_SCRATCH_H

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace neuron {

/// A directory of one test, gone with it and with the files that were asked for.
class Scratch {
  public:
    Scratch() { REQUIRE(::mkdtemp(directory_.data()) != nullptr); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        for (const std::string& path : paths_) {
            ::unlink(path.c_str());
        }
        ::rmdir(directory_.c_str());
    }

    std::string path(const std::string& name) {
        paths_.push_back(directory_ + "/" + name);
        return paths_.back();
    }

  private:
    std::string directory_ = "/tmp/neurond-unit-XXXXXX";
    std::vector<std::string> paths_;
};

}  // namespace neuron

#endif
