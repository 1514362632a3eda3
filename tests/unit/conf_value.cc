#include "neurond/conf/value.h"

#include <doctest/doctest.h>

#include <string>

#include "exact.h"
#include "neurond/conf/schema.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

constexpr int64_t kBad = -1;

const KeySpec& row(const char* section, const char* key) {
    const SectionSpec* spec = find_section(section);
    REQUIRE(spec != nullptr);
    const KeySpec* found = spec->find(key);
    REQUIRE(found != nullptr);
    return *found;
}

struct Row {
    const char* text;
    int64_t number;
    const char* written;  // canonical; null where the text is wrong
};

void check(const KeySpec& spec, const Row* rows, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        CAPTURE(rows[i].text);
        const Exact text(rows[i].text);
        const auto parsed = parse_number(spec, text.view());
        CHECK((parsed ? *parsed : kBad) == rows[i].number);
        if (parsed && rows[i].written != nullptr) {
            CHECK(write_number(spec.type, *parsed) == rows[i].written);
        }
    }
}

template <size_t N>
void check(const KeySpec& spec, const Row (&rows)[N]) {
    check(spec, rows, N);
}

}  // namespace

TEST_CASE("durations need a unit and have one spelling each") {
    KeySpec spec = row("server", "drain_timeout");
    spec.max = INT64_MAX - 1;
    const Row rows[] = {
        {"250ms", 250, "250ms"},
        {"1000ms", 1000, "1s"},
        {"30s", 30000, "30s"},
        {"60s", 60000, "1m"},
        {"90s", 90000, "90s"},
        {"5m", 300000, "5m"},
        {"2h", 7200000, "2h"},
        {"24h", 86400000, "1d"},
        {"1d", 86400000, "1d"},
        {"0s", 0, "0s"},
        {"0ms", 0, "0s"},
        {"007s", 7000, "7s"},
        {"30", kBad, nullptr},  // seconds? milliseconds? say so
        {"0", kBad, nullptr},
        {"", kBad, nullptr},
        {"s", kBad, nullptr},
        {"-1s", kBad, nullptr},
        {"+1s", kBad, nullptr},
        {"1.5s", kBad, nullptr},
        {"1 s", kBad, nullptr},
        {"1S", kBad, nullptr},
        {"1sec", kBad, nullptr},
        {"1s ", kBad, nullptr},
        {"1w", kBad, nullptr},
        {"99999999999999999999d", kBad, nullptr},  // more than 64 bits
        {"9223372036854775807d", kBad, nullptr},   // only with its unit
    };
    check(spec, rows);
}

TEST_CASE("percentages carry their sign") {
    const KeySpec spec = row("downstream", "limit_cpu");
    const Row rows[] = {
        {"50%", 50, "50%"},
        {"0%", 0, "0%"},
        {"200%", 200, "200%"},
        {"100000%", 100000, "100000%"},
        {"100001%", kBad, nullptr},
        {"50", kBad, nullptr},  // of what?
        {"0.5", kBad, nullptr},
        {"12.5%", kBad, nullptr},
        {"%", kBad, nullptr},
        {"50 %", kBad, nullptr},
    };
    check(spec, rows);
}

TEST_CASE("sizes are in powers of 1024") {
    KeySpec spec = row("limits", "message_max");
    spec.min = 0;
    spec.max = INT64_MAX - 1;
    const Row rows[] = {
        {"0", 0, "0"},
        {"1", 1, "1"},
        {"1023", 1023, "1023"},
        {"1024", 1024, "1k"},
        {"64k", 65536, "64k"},
        {"10m", 10485760, "10m"},
        {"10000000", 10000000, "10000000"},
        {"1g", 1073741824, "1g"},
        {"1536m", 1610612736, "1536m"},
        {"1K", kBad, nullptr},
        {"1kb", kBad, nullptr},
        {"1t", kBad, nullptr},
        {"k", kBad, nullptr},
        {"-1", kBad, nullptr},
        {"0x10", kBad, nullptr},
        {"9007199254740993", 9007199254740993, "9007199254740993"},
        {"17179869184g", kBad, nullptr},
    };
    check(spec, rows);
}

TEST_CASE("integers, modes and yes or no take nothing else") {
    const Row ports[] = {{"0", 0, "0"},
                         {"8443", 8443, "8443"},
                         {"65535", 65535, "65535"},
                         {"65536", kBad, nullptr},
                         {"0x1", kBad, nullptr},
                         {"1k", kBad, nullptr},
                         {"", kBad, nullptr},
                         {"-0", kBad, nullptr}};
    check(row("server", "port"), ports);
    const Row modes[] = {{"0600", 0600, "0600"},  {"660", 0660, "0660"},
                         {"0000", 0, "0000"},     {"0777", 0777, "0777"},
                         {"1777", kBad, nullptr}, {"0680", kBad, nullptr},
                         {"66", kBad, nullptr},   {"00600", kBad, nullptr}};
    check(row("server", "control_mode"), modes);
    const Row answers[] = {{"yes", 1, "yes"},       {"no", 0, "no"},
                           {"true", kBad, nullptr}, {"1", kBad, nullptr},
                           {"Yes", kBad, nullptr},  {"", kBad, nullptr}};
    check(row("server", "allow_insecure"), answers);
}

TEST_CASE("a choice is one of its words") {
    CHECK(parse_scalar(row("audit", "arguments"), "hash"));
    CHECK_FALSE(parse_scalar(row("audit", "arguments"), "full hash"));
    CHECK_FALSE(parse_scalar(row("audit", "arguments"), ""));
    CHECK(check_word(row("server", "serve"), "metrics"));
    CHECK_FALSE(check_word(row("server", "serve"), "rest"));
    CHECK(check_word(row("downstream", "args"), "anything at all"));
}

TEST_CASE("what stands behind expected") {
    CHECK(expectation(row("server", "port")) == "a number from 0 to 65535");
    CHECK(expectation(row("server", "drain_timeout")) ==
          "a duration from 0s to 1d, such as 30s");
    CHECK(expectation(row("limits", "header_max")) ==
          "a size from 1k to 1m, such as 64k");
    CHECK(expectation(row("downstream", "transport")) ==
          "auto, stdio, http, localhost or sse");
    CHECK(expectation(row("policy", "default_action")) == "deny or allow");
    CHECK(expectation(row("audit", "arguments")) == "full, hash or none");
    CHECK(expectation(row("server", "serve")) == "mcp, health, metrics or admin");
}

TEST_CASE("words are quoted where they must be, and dollars doubled") {
    struct {
        const char* text;
        const char* written;
    } const rows[] = {
        {"abc", "abc"},        {"", "\"\""},           {"a b", "\"a b\""},
        {"a#b", "\"a#b\""},    {"a\"b", "\"a\\\"b\""}, {"a\\b", "\"a\\\\b\""},
        {"a\nb", "\"a\\nb\""}, {"\t", "\"\\t\""},      {"$HOME", "$$HOME"},
        {"a=b", "a=b"},        {"[x]", "[x]"},         {"\xC3\xBC", "\xC3\xBC"},
    };
    for (const auto& one : rows) {
        CHECK(write_word(one.text) == one.written);
    }
}

TEST_CASE("the schema is sound") {
    for (const SectionSpec& section : sections()) {
        for (const KeySpec& spec : section) {
            CAPTURE(section.name);
            CAPTURE(spec.key);
            CHECK(find_section(section.name)->find(spec.key) == &spec);  // no key twice
            CHECK(std::string(spec.help).back() != ' ');
            CHECK((spec.type == Type::kChoice) <= (spec.choices != nullptr));
            const bool has_default = !spec.is_required() && !spec.is_pattern();
            const bool is_scalar =
                spec.type != Type::kList && spec.type != Type::kString;
            if (has_default && is_scalar) {
                const auto value = parse_scalar(spec, spec.initial);
                REQUIRE(value);
                if (spec.type != Type::kChoice) {
                    CHECK(write_number(spec, value->number) == spec.initial);
                }
            }
        }
    }
}

TEST_CASE("a pattern key stands for every key with its prefix") {
    const SectionSpec& section = *find_section("downstream");
    CHECK(section.find("env.X") == section.find("env.OTHER"));
    CHECK(section.find("env.X")->is_pattern());
    CHECK(section.find("env.") == nullptr);
    CHECK(section.find("env") == nullptr);
    CHECK(section.find("environment") == nullptr);
    CHECK(section.find("timeout.a.*")->type == Type::kDuration);
}

TEST_CASE("a rate is a number within a time, or none") {
    const struct {
        const char* text;
        int64_t count;
        int64_t window;
    } rows[] = {
        {"10/1h", 10, 3600000}, {"1/250ms", 1, 250},    {"0", 0, 0},
        {"1000/366d", 1000, 366ll * 86400000},          {"0/1h", kBad, 0},
        {"1001/1h", kBad, 0},   {"10", kBad, 0},        {"10/", kBad, 0},
        {"/1h", kBad, 0},       {"10/60", kBad, 0},     {"10/0s", kBad, 0},
        {"-1/1h", kBad, 0},     {"10/1h/1h", kBad, 0},  {"", kBad, 0},
        {"10 / 1h", kBad, 0},   {"1e1/1h", kBad, 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const Result<Rate> rate = parse_rate(row.text);
        CHECK((rate ? static_cast<int64_t>(rate->count) : kBad) == row.count);
        CHECK((rate ? rate->window.count() : 0) == row.window);
    }
}

TEST_CASE("a fraction is from 0 to 1") {
    const struct {
        const char* text;
        double value;  // negative: none
    } rows[] = {
        {"0", 0},     {"1", 1},     {"0.2", 0.2},   {"1.0", 1},  {"0.125", 0.125},
        {"1.1", -1},  {"2", -1},    {"-0.1", -1},   {".5", -1},  {"0.", -1},
        {"0,2", -1},  {"1e-1", -1}, {"", -1},       {" 0.2", -1}, {"0.2 ", -1},
        {"0.1234567890", -1},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const Result<double> value = parse_fraction(row.text);
        CHECK((value ? *value : -1) == doctest::Approx(row.value));
    }
}
