class Ticks
  def each
    loop do
      yield "tick\n"
      sleep 0.1
    end
  end
end

run lambda { |env|
  case env["PATH_INFO"]
  when "/slow"
    sleep env["QUERY_STRING"][/ms=(\d+)/, 1].to_i / 1000.0
  when "/stream"
    next [200, { "Content-Type" => "text/plain" }, Ticks.new]
  end
  [200, { "Content-Type" => "text/plain" }, ["hello\n" * 100]]
}
