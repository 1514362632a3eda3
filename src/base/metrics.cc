// The registry of metrics and its text form. Everything slow is at set-up and at render;
// in between a metric is a number somebody has a reference to.

#include "neurond/base/metrics.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

#include "neurond/base/text.h"

namespace neuron {

namespace {

/// The shortest decimal text that is this number again.
std::string to_text(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    char digits[64];
    const std::to_chars_result end =
        std::to_chars(digits, digits + sizeof digits, value);
    return std::string(digits, end.ptr);
}

/// Backslash and newline everywhere; the quote only where text is quoted.
void append_escaped(std::string& out, std::string_view text, bool quoted) {
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\\' || (c == '"' && quoted)) {
            out.append("\\").append(1, c);
        } else {
            out += c;
        }
    }
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
    out += out.empty() ? "{" : ",";
    out.append(name).append("=\"");
    append_escaped(out, value, true);
    out += '"';
}

/// "{a="1",b="2"}", with `le` behind the others where there is one; empty without labels.
std::string label_text(const MetricLabels& labels, std::string_view le = {}) {
    std::string out;
    for (const auto& [name, value] : labels) {
        append_label(out, name, value);
    }
    if (!le.empty()) {
        append_label(out, "le", le);
    }
    return out.empty() ? out : out += '}';
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view value) {
    out.append(name).append(suffix).append(labels).append(" ").append(value).append(
        "\n");
}

constexpr const char* kTypeNames[] = {"counter", "gauge", "histogram"};

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
    assert(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(std::chrono::duration<double> seconds) noexcept {
    const auto bound =
        std::lower_bound(bounds_.begin(), bounds_.end(), seconds.count());
    ++counts_[static_cast<size_t>(bound - bounds_.begin())];
    sum_ += seconds.count();
}

uint64_t Histogram::count() const noexcept {
    uint64_t all = 0;
    for (const uint64_t n : counts_) {
        all += n;
    }
    return all;
}

Counter& Metrics::counter(std::string_view name, std::string_view help,
                          MetricLabels labels) {
    return *std::get_if<Counter>(
        &find_or_add(name, help, std::move(labels), Counter()));
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help,
                      MetricLabels labels) {
    return *std::get_if<Gauge>(&find_or_add(name, help, std::move(labels), Gauge()));
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              const std::vector<double>& bounds_in_seconds,
                              MetricLabels labels) {
    return *std::get_if<Histogram>(
        &find_or_add(name, help, std::move(labels), Histogram(bounds_in_seconds)));
}

Metrics::Series& Metrics::find_or_add(std::string_view name, std::string_view help,
                                      MetricLabels labels, Series fresh) {
    auto family = families_.find(name);
    if (family == families_.end()) {
        family = families_.emplace(name, Family{}).first;
        family->second.help = help;
    }
    std::sort(labels.begin(), labels.end());
    auto& series = family->second.series;
    assert(series.empty() || series.begin()->second.index() == fresh.index());
    return series.try_emplace(std::move(labels), std::move(fresh)).first->second;
}

void Metrics::remove(std::string_view name, const MetricLabels& labels) {
    const auto family = families_.find(name);
    if (family == families_.end()) {
        return;
    }
    auto& series = family->second.series;
    for (auto it = series.begin(); it != series.end();) {
        const MetricLabels& own = it->first;
        const bool has_all =
            std::all_of(labels.begin(), labels.end(), [&own](const auto& label) {
                return std::find(own.begin(), own.end(), label) != own.end();
            });
        it = has_all ? series.erase(it) : std::next(it);
    }
    if (series.empty()) {
        families_.erase(family);
    }
}

void Metrics::append_series(std::string& out, const std::string& name,
                            const MetricLabels& labels, const Series& series) {
    if (const auto* counter = std::get_if<Counter>(&series)) {
        append_sample(out, name, "", label_text(labels),
                      counter->source_ ? to_text(counter->source_())
                                       : std::to_string(counter->value_));
    } else if (const auto* gauge = std::get_if<Gauge>(&series)) {
        append_sample(out, name, "", label_text(labels),
                      to_text(gauge->source_ ? gauge->source_() : gauge->value_));
    } else if (const auto* histogram = std::get_if<Histogram>(&series)) {
        append_histogram(out, name, labels, *histogram);
    }
}

void Metrics::append_histogram(std::string& out, const std::string& name,
                               const MetricLabels& labels, const Histogram& histogram) {
    uint64_t so_far = 0;
    for (size_t i = 0; i < histogram.counts_.size(); ++i) {
        so_far += histogram.counts_[i];
        const bool last = i == histogram.bounds_.size();
        append_sample(out, name, "_bucket",
                      label_text(labels, last ? "+Inf" : to_text(histogram.bounds_[i])),
                      std::to_string(so_far));
    }
    append_sample(out, name, "_sum", label_text(labels), to_text(histogram.sum_));
    append_sample(out, name, "_count", label_text(labels), std::to_string(so_far));
}

std::string Metrics::render(std::string_view prefix) const {
    constexpr std::string_view kOurs = "neurond_";
    std::string out;
    for (const auto& [own_name, family] : families_) {
        const bool ours = starts_with(own_name, kOurs);
        const std::string name =
            ours ? std::string(prefix) + "_" + own_name.substr(kOurs.size()) : own_name;
        out.append("# HELP ").append(name).append(" ");
        append_escaped(out, family.help, false);
        out.append("\n# TYPE ").append(name).append(" ");
        out.append(kTypeNames[family.series.begin()->second.index()]).append("\n");
        for (const auto& [labels, series] : family.series) {
            append_series(out, name, labels, series);
        }
    }
    return out;
}

}  // namespace neuron
