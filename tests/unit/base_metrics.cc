#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "neurond/base/metrics.h"

using namespace neuron;

TEST_CASE("an empty registry renders nothing") {
    CHECK(Metrics().render().empty());
}

TEST_CASE("families are sorted by name and series by labels") {
    Metrics metrics;
    metrics.gauge("b_ready", "Whether it is ready.").set(1);
    metrics.counter("a_calls_total", "Calls.", {{"tool", "z"}, {"client", "y"}}).add(3);
    metrics.counter("a_calls_total", "Calls.", {{"client", "x"}, {"tool", "z"}}).add();
    CHECK(metrics.render() ==
          "# HELP a_calls_total Calls.\n"
          "# TYPE a_calls_total counter\n"
          "a_calls_total{client=\"x\",tool=\"z\"} 1\n"
          "a_calls_total{client=\"y\",tool=\"z\"} 3\n"
          "# HELP b_ready Whether it is ready.\n"
          "# TYPE b_ready gauge\n"
          "b_ready 1\n");
}

TEST_CASE("names of ours begin with the prefix, others stay as they are") {
    Metrics metrics;
    metrics.gauge("neurond_ready", "r").set(1);
    metrics.gauge("process_open_fds", "p").set(2);
    CHECK(metrics.render("mcp_citadel") ==
          "# HELP mcp_citadel_ready r\n# TYPE mcp_citadel_ready gauge\n"
          "mcp_citadel_ready 1\n"
          "# HELP process_open_fds p\n# TYPE process_open_fds gauge\n"
          "process_open_fds 2\n");
}

TEST_CASE("same name and labels are the same metric, in any order of labels") {
    Metrics metrics;
    Counter& first = metrics.counter("c", "h", {{"a", "1"}, {"b", "2"}});
    Counter& second = metrics.counter("c", "h", {{"b", "2"}, {"a", "1"}});
    CHECK(&first == &second);
    CHECK(&first != &metrics.counter("c", "h"));
}

TEST_CASE("references stay valid while others come and go") {
    Metrics metrics;
    Counter& counter = metrics.counter("c", "h", {{"n", "500"}});
    for (int i = 0; i < 1000; ++i) {
        metrics.counter("c", "h", {{"n", std::to_string(i)}}).add();
    }
    for (int i = 0; i < 500; ++i) {
        metrics.remove("c", {{"n", std::to_string(i)}});
    }
    counter.add(41);
    CHECK(metrics.counter("c", "h", {{"n", "500"}}).value() == 42);
}

TEST_CASE("help and label values are escaped") {
    Metrics metrics;
    metrics.gauge("g", "line\nback\\slash \"quote\"", {{"l", "a\"b\\c\nd"}});
    CHECK(metrics.render() ==
          "# HELP g line\\nback\\\\slash \"quote\"\n"
          "# TYPE g gauge\n"
          "g{l=\"a\\\"b\\\\c\\nd\"} 0\n");
}

TEST_CASE("a histogram counts cumulatively and ends in infinity") {
    Metrics metrics;
    Histogram& histogram =
        metrics.histogram("h_seconds", "h", {0.005, 0.1, 1}, {{"d", "x"}});
    histogram.observe(std::chrono::milliseconds(5));  // a bound belongs to its bucket
    histogram.observe(std::chrono::microseconds(10));
    histogram.observe(std::chrono::milliseconds(250));
    histogram.observe(std::chrono::seconds(60));
    CHECK(histogram.count() == 4);
    CHECK(metrics.render() ==
          "# HELP h_seconds h\n"
          "# TYPE h_seconds histogram\n"
          "h_seconds_bucket{d=\"x\",le=\"0.005\"} 2\n"
          "h_seconds_bucket{d=\"x\",le=\"0.1\"} 2\n"
          "h_seconds_bucket{d=\"x\",le=\"1\"} 3\n"
          "h_seconds_bucket{d=\"x\",le=\"+Inf\"} 4\n"
          "h_seconds_sum{d=\"x\"} 60.25501\n"
          "h_seconds_count{d=\"x\"} 4\n");
}

TEST_CASE("a histogram without labels or observations is all zeros") {
    Metrics metrics;
    metrics.histogram("h", "h", {1});
    CHECK(metrics.render() ==
          "# HELP h h\n# TYPE h histogram\n"
          "h_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n");
}

TEST_CASE("a source is asked at every render") {
    Metrics metrics;
    double value = 1.5;
    metrics.gauge("g", "h").set_source([&value] { return value; });
    metrics.counter("s_total", "h").set_source([&value] { return value * 2; });
    CHECK(metrics.render().find("\ng 1.5\n") != std::string::npos);
    CHECK(metrics.render().find("\ns_total 3\n") != std::string::npos);
    value = 7;
    CHECK(metrics.render().find("\ng 7\n") != std::string::npos);
}

TEST_CASE("numbers are written as the format knows them") {
    struct Row {
        double value;
        const char* text;
    };
    const Row rows[] = {
        {0, "0"},
        {-2.5, "-2.5"},
        {0.1, "0.1"},                // shortest, not 0.1000001
        {1795222923, "1795222923"},  // a time in seconds
        {std::numeric_limits<double>::infinity(), "+Inf"},
        {-std::numeric_limits<double>::infinity(), "-Inf"},
        {std::numeric_limits<double>::quiet_NaN(), "NaN"},
    };
    for (const Row& row : rows) {
        Metrics metrics;
        metrics.gauge("g", "h").set(row.value);
        CHECK(metrics.render() ==
              std::string("# HELP g h\n# TYPE g gauge\ng ") + row.text + "\n");
    }
}

TEST_CASE("a counter does not lose a one among many") {
    Metrics metrics;
    Counter& counter = metrics.counter("c", "h");
    counter.add(9007199254740992U);  // 2^53, where a double would
    counter.add();
    CHECK(metrics.render().find("\nc 9007199254740993\n") != std::string::npos);
}

TEST_CASE("a gauge goes up and down") {
    Metrics metrics;
    Gauge& gauge = metrics.gauge("g", "h");
    gauge.add(3);
    gauge.add(-1);
    CHECK(gauge.value() == doctest::Approx(2));
}

TEST_CASE("remove forgets the series that carry the labels, and only those") {
    Metrics metrics;
    metrics.counter("c", "h", {{"downstream", "redis"}, {"tool", "get"}});
    metrics.counter("c", "h", {{"downstream", "redis"}, {"tool", "set"}});
    metrics.counter("c", "h", {{"downstream", "linux"}, {"tool", "get"}});
    metrics.remove("c", {{"downstream", "nobody"}});
    metrics.remove("unknown", {{"downstream", "redis"}});
    metrics.remove("c", {{"downstream", "redis"}});
    CHECK(metrics.render() ==
          "# HELP c h\n# TYPE c counter\nc{downstream=\"linux\",tool=\"get\"} 0\n");
    metrics.remove("c", {{"tool", "get"}, {"downstream", "linux"}});
    CHECK(metrics.render().empty());
}
