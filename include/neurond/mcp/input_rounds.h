#ifndef NEUROND_MCP_INPUT_ROUNDS_H
#define NEUROND_MCP_INPUT_ROUNDS_H

#include <cstddef>
#include <string>
#include <vector>

namespace neuron {

/// What the client of one call is being asked, and how often it has been. Pure.
class InputRounds {
  public:
    /// Questions that are put while others are open belong to the same round. False, and
    /// nothing changed: a round more than `most`, a key that is open already, or more
    /// than kMaxOpenQuestions.
    bool open(const std::vector<std::string>& keys, unsigned most);
    bool has(const std::string& key) const noexcept;
    /// False when no such question is open.
    bool close(const std::string& key);
    std::vector<std::string> take_open();

    bool asking() const noexcept { return !open_.empty(); }
    unsigned rounds() const noexcept { return rounds_; }

  private:
    std::vector<std::string> open_;
    unsigned rounds_ = 0;
};

}  // namespace neuron

#endif
