#ifndef NEUROND_FRONT_REQUEST_IDS_H
#define NEUROND_FRONT_REQUEST_IDS_H

#include <cstdint>
#include <string>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"

namespace neuron {

/// Makes the ids of requests whose clients gave none: no two alike, whichever reactor
/// made them.
class RequestIds {
  public:
    std::string next() { return prefix_ + "-" + std::to_string(++count_); }

  private:
    std::string prefix_ = hex_encode(random_bytes(6));
    uint64_t count_ = 0;
};

}  // namespace neuron

#endif
