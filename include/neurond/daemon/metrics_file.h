#ifndef NEUROND_DAEMON_METRICS_FILE_H
#define NEUROND_DAEMON_METRICS_FILE_H

#include <cstdint>
#include <functional>
#include <string>

#include "neurond/base/clock.h"
#include "neurond/loop/event_loop.h"
#include "neurond/loop/helper.h"

namespace neuron {

struct MetricsFileSettings {
    std::string path;  ///< empty: none is written
    Millis interval{15000};
};

/// The metrics as a file, for the textfile collector of node_exporter: replaced at once,
/// so that no reader sees half of it, by the writer, so that no disk holds up the loop.
class MetricsFile {
  public:
    /// `render` makes the text. All outlive this.
    MetricsFile(EventLoop& loop, Helper& writer, std::function<std::string()> render);

    /// Writes at once, then after each interval. A path that is not the one before leaves
    /// the old file where it is.
    void change(MetricsFileSettings settings);
    /// Writes a last time, itself: blocks, for when the writer has gone.
    void finish();
    /// Times that it could not be written.
    uint64_t failures() const noexcept { return failures_; }

  private:
    void write();
    void on_written(bool ok, std::string_view why);

    Helper& writer_;
    std::function<std::string()> render_;
    MetricsFileSettings settings_;
    bool under_way_ = false;
    bool failing_ = false;  ///< the last one failed, which has been logged
    uint64_t failures_ = 0;
    Timer timer_;
};

}  // namespace neuron

#endif
