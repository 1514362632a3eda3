#ifndef NEUROND_WIRE_SCAN_H
#define NEUROND_WIRE_SCAN_H

namespace neuron {

/// What every incremental parser of this module answers. Given the same bytes and more,
/// kMore may become kDone or kBad; kBad never changes.
enum class Scan { kMore, kDone, kBad };

}  // namespace neuron

#endif
