#ifndef NEUROND_BASE_METRICS_H
#define NEUROND_BASE_METRICS_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace neuron {

/// name and value of each label; order does not matter.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;
/// Asked at every render(), for what is known elsewhere.
using MetricSource = std::function<double()>;

/// A number that only grows.
class Counter {
  public:
    void add(uint64_t n = 1) noexcept { value_ += n; }
    uint64_t value() const noexcept { return value_; }
    /// From now on render() shows what `source` says: for counts kept elsewhere, and for
    /// seconds.
    void set_source(MetricSource source) { source_ = std::move(source); }

  private:
    friend class Metrics;
    uint64_t value_ = 0;
    MetricSource source_;
};

/// A number that goes up and down.
class Gauge {
  public:
    void set(double value) noexcept { value_ = value; }
    void add(double value) noexcept { value_ += value; }
    double value() const noexcept { return value_; }
    /// From now on render() shows what `source` says.
    void set_source(MetricSource source) { source_ = std::move(source); }

  private:
    friend class Metrics;
    double value_ = 0;
    MetricSource source_;
};

/// How often a duration fell into which range.
class Histogram {
  public:
    /// Upper bounds in seconds, ascending; the one of infinity comes by itself.
    explicit Histogram(std::vector<double> bounds);
    /// Takes any std::chrono duration.
    void observe(std::chrono::duration<double> seconds) noexcept;
    uint64_t count() const noexcept;
    double sum() const noexcept { return sum_; }

  private:
    friend class Metrics;
    std::vector<double> bounds_;
    std::vector<uint64_t> counts_;  ///< not cumulative; one more than bounds
    double sum_ = 0;
};

/// All metrics of a process, and their text. Look a metric up once, keep the reference:
/// it is valid until the series is removed or the registry goes; using it is an addition.
/// Same name and labels, same object. One name has one kind: asserted.
class Metrics {
  public:
    Metrics() = default;
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    Counter& counter(std::string_view name, std::string_view help,
                     MetricLabels labels = {});
    Gauge& gauge(std::string_view name, std::string_view help,
                 MetricLabels labels = {});
    Histogram& histogram(std::string_view name, std::string_view help,
                         const std::vector<double>& bounds_in_seconds,
                         MetricLabels labels = {});

    /// Forgets the series of `name` that carry all of `labels` (and perhaps more):
    /// `remove("neurond_calls_total", {{"downstream", "redis"}})`. References to them
    /// become invalid.
    void remove(std::string_view name, const MetricLabels& labels);

    /// Prometheus text format 0.0.4: families by name, series by labels, each with HELP
    /// and TYPE in front. Names and labels are ours; values and help are escaped.
    /// `prefix` stands for the "neurond" that names begin with.
    std::string render(std::string_view prefix = "neurond") const;

  private:
    using Series = std::variant<Counter, Gauge, Histogram>;
    struct Family {
        std::string help;
        std::map<MetricLabels, Series> series;  ///< a node each: references stay valid
    };

    Series& find_or_add(std::string_view name, std::string_view help,
                        MetricLabels labels, Series fresh);
    static void append_series(std::string& out, const std::string& name,
                              const MetricLabels& labels, const Series& series);
    static void append_histogram(std::string& out, const std::string& name,
                                 const MetricLabels& labels,
                                 const Histogram& histogram);

    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace neuron

#endif
