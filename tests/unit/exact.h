#ifndef NEUROND_TESTS_UNIT_EXACT_H
#define NEUROND_TESTS_UNIT_EXACT_H

#include <string_view>
#include <vector>

namespace neuron {

/// A copy on the heap of exactly these bytes, with no terminator and no spare byte (a
/// short std::string has both), so that the sanitizer sees a parser read one too far.
class Exact {
  public:
    explicit Exact(std::string_view bytes) : bytes_(bytes.begin(), bytes.end()) {}
    std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

  private:
    std::vector<char> bytes_;
};

}  // namespace neuron

#endif
