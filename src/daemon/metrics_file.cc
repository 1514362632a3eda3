// Metrics for hosts where Prometheus reads files instead of asking every daemon.

#include "neurond/daemon/metrics_file.h"

#include <utility>

#include "neurond/base/atomic_file.h"
#include "neurond/base/log.h"
#include "neurond/base/memory_file.h"

namespace neuron {

namespace {

constexpr unsigned kMode = 0644;  // node_exporter runs as somebody else

}  // namespace

MetricsFile::MetricsFile(EventLoop& loop, Helper& writer,
                         std::function<std::string()> render)
    : writer_(writer), render_(std::move(render)), timer_(loop, [this] { write(); }) {}

void MetricsFile::change(MetricsFileSettings settings) {
    settings_ = std::move(settings);
    timer_.cancel();
    if (!settings_.path.empty()) {
        write();
    }
}

/// A text may be longer than a message to the writer: it goes along as a descriptor.
void MetricsFile::write() {
    timer_.arm(settings_.interval);
    if (under_way_) {
        return;  // the disk is slow: what comes next is newer anyway
    }
    const Result<Fd> text = text_to_memfd("neurond-metrics", render_());
    if (!text) {
        on_written(false, text.error().message);
        return;
    }
    under_way_ = true;
    writer_.request(writer_copy_request(settings_.path, kMode), text->get(),
                    [this](bool ok, std::string_view why) {
                        under_way_ = false;
                        on_written(ok, why);
                    });
}

void MetricsFile::finish() {
    timer_.cancel();
    if (!settings_.path.empty()) {
        const Status written = write_file_atomically(settings_.path, render_(), kMode);
        on_written(static_cast<bool>(written), written ? "" : written.error().message);
    }
}

/// Once each way, as a full disk stays full.
void MetricsFile::on_written(bool ok, std::string_view why) {
    failures_ += ok ? 0 : 1;
    if (!ok && !failing_) {
        log_warn("metrics", "%s", std::string(why).c_str());
    } else if (ok && failing_) {
        log_info("metrics", "the file is written again");
    }
    failing_ = !ok;
}

}  // namespace neuron
