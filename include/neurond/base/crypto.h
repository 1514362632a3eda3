#ifndef NEUROND_BASE_CRYPTO_H
#define NEUROND_BASE_CRYPTO_H

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace neuron {

// Keys, digests and sealed texts are raw bytes in strings; base/encode.h makes text of
// them. Nothing here fails for a reason of the caller's: when the library itself fails
// (no memory, no entropy) the process ends, for there is no safe way on.

constexpr size_t kSha256Bytes = 32;
constexpr size_t kAeadKeyBytes = 32;
constexpr size_t kAeadNonceBytes = 12;
constexpr size_t kAeadTagBytes = 16;
constexpr size_t kEd25519KeyBytes = 32;
constexpr size_t kEd25519SignatureBytes = 64;

/// The digest of `bytes` (FIPS 180-4): kSha256Bytes raw bytes.
std::string sha256(std::string_view bytes);

/// 20 raw bytes. Only for protocols that have it (RFC 6455): nothing is secure by it.
std::string sha1(std::string_view bytes);

/// A digest of what comes in pieces.
class Sha256 {
  public:
    Sha256();
    void update(std::string_view bytes);
    /// The digest of all updates since the start or the last finish().
    std::string finish();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// RFC 2104 with SHA-256: kSha256Bytes raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);

/// `n` bytes nobody can guess.
std::string random_bytes(size_t n);

/// AES-256-GCM (NIST SP 800-38D) under `key` (kAeadKeyBytes). Returns
/// nonce || ciphertext || tag with a fresh random nonce; so one key is good for some 2^32
/// texts. `aad` is authenticated with it, but not part of what is returned.
std::string aead_seal(std::string_view key, std::string_view plaintext,
                      std::string_view aad);

/// The plaintext, if `sealed` was made by aead_seal() with the same key and `aad`.
std::optional<std::string> aead_open(std::string_view key, std::string_view sealed,
                                     std::string_view aad);

/// Ed25519 (RFC 8032). `seed` is the private key: kEd25519KeyBytes random bytes.
std::string ed25519_public_key(std::string_view seed);
/// kEd25519SignatureBytes raw bytes.
std::string ed25519_sign(std::string_view seed, std::string_view message);
/// False for anything that is not this message, signed by the owner of this public key.
bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature);

/// Compares without telling by its duration where the first difference is. The lengths
/// are no secret.
bool constant_time_equals(std::string_view a, std::string_view b) noexcept;

/// A random UUID (RFC 9562, 5.4): "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
std::string uuid_v4();

/// "OpenSSL 3.0.17 1 Jul 2025": the library as loaded, not the headers.
const char* openssl_version() noexcept;

}  // namespace neuron

#endif
